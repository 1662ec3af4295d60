"""The rules of ARCHITECTURE.md that a machine can hold."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tumorabm

PACKAGE = Path(tumorabm.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Imports point downwards only: a layer imports from its own line and the lines above it.
LAYERS = (
    ("kept", "kernel", "units", "errors", "yaml"),
    ("catalog",),
    ("tissue",),
    ("solvers",),
    ("processes",),
    ("recording",),
    ("config",),
    ("networks",),
    ("build", "step"),
    ("agents",),
    ("model",),
    ("run",),
    ("sweep",),
    ("trial", "calibration"),
    ("cli_options",),
    ("cli_sweep", "cli_sensitivity", "cli_networks", "cli_assay"),
    ("cli",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
BESIDE = {"analysis", "app", "__init__", "__main__"}  # not in the order: their own rules below

BODY = ("tissue", "solvers", "processes")
FORBIDDEN_IN_BODY = {"mesa", "h5py"}
MESA_MODULES = {"model.py", "agents.py"}
NUMBA_MODULES = {"kernel.py"}
MAX_LINES = 400
MAX_FUNCTION_LINES = 90
VAGUE_NAMES = ("manager", "handler", "helper", "utils", "engine", "base", "misc", "common")


def name_of(path: Path) -> str:
    """Path inside the package, for example ``tissue/cells.py``."""
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """First name below the package: a folder or a module."""
    return name_of(path).split("/")[0].removesuffix(".py")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(path: Path, *, typing_too: bool = False) -> Iterator[tuple[str, int]]:
    """All absolute module names that a file imports anywhere, with the line; a ``from`` import gives both its parts."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if _is_type_checking(child) and not typing_too:
                continue
            yield child
            yield from walk(child)

    for node in walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            yield str(node.module), node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


@functools.cache
def decorated_kernels(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and any("kernel" in ast.unparse(d) for d in node.decorator_list)
    }


def is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(decorator).split("(")[0] == "kernel" for decorator in node.decorator_list
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    part = part_of(path)
    if part in BESIDE:
        return
    assert part in RANK, f"{name_of(path)} has no place in the order of imports"
    for module, line in imports(path, typing_too=True):
        names = module.split(".")
        if names[0] != "tumorabm" or len(names) < 2 or names[1] == "__version__":
            continue
        assert names[1] in RANK, f"{name_of(path)}:{line} imports {module}"
        typing_only = (module, line) not in set(imports(path))
        if not typing_only:
            assert RANK[names[1]] <= RANK[part], f"{name_of(path)}:{line} imports {module} from a layer above it"


def test_the_order_of_imports_is_complete() -> None:
    """A name in the order that no module has would hide a renamed layer; planned ones are named here."""
    planned = {"trial", "calibration"}
    present = {part_of(path) for path in MODULES}
    assert set(RANK) - planned <= present


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) in BODY], ids=name_of)
def test_the_body_knows_no_mesa_file_or_configuration(path: Path) -> None:
    for module, line in imports(path, typing_too=True):
        assert module.split(".")[0] not in FORBIDDEN_IN_BODY, f"{name_of(path)}:{line} imports {module}"
        assert not module.startswith("tumorabm.config"), f"{name_of(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(p) == "analysis"], ids=name_of)
def test_analysis_reads_run_folders_only(path: Path) -> None:
    """Types apart, it needs the reader of run folders, and of the rest only errors and units."""
    for module, line in imports(path, typing_too=True):
        if module.split(".")[0] == "tumorabm" and module not in ("tumorabm", "tumorabm.analysis"):
            parts = ("analysis", "recording.run_folder", "errors", "units")
            allowed = any(module == f"tumorabm.{part}" or module.startswith(f"tumorabm.{part}.") for part in parts)
            typing_only = (module, line) not in set(imports(path))
            assert allowed or typing_only, f"{name_of(path)}:{line} imports {module}"


def test_two_files_touch_mesa() -> None:
    touching = {name_of(p) for p in MODULES if any(m.split(".")[0] == "mesa" for m, _ in imports(p, typing_too=True))}
    assert touching == MESA_MODULES


def test_numba_is_imported_by_kernels_only() -> None:
    """Lazily in kernel.py; solvers need ``prange`` at their top, and whoever sets the number of threads, inside."""
    for path in MODULES:
        if part_of(path) == "solvers" or name_of(path) in NUMBA_MODULES:
            continue
        top = [node for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in top:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            assert not any(n.split(".")[0] == "numba" for n in names), f"{name_of(path)}:{node.lineno} imports numba"


@pytest.mark.parametrize("path", [p for p in MODULES if decorated_kernels(p)], ids=name_of)
def test_kernels_end_their_file(path: Path) -> None:
    """Once kernels begin, nothing but kernels follows."""
    body = tree(path).body
    first = next(i for i, node in enumerate(body) if is_kernel(node))
    for node in body[first:]:
        assert is_kernel(node), f"{name_of(path)}:{node.lineno}: after the first kernel"
    nested = decorated_kernels(path) - {node.name for node in body if isinstance(node, ast.FunctionDef)}
    assert not nested, f"{name_of(path)}: kernels must be module-level: {nested}"


def test_kernels_use_no_fastmath_and_no_hidden_random_numbers() -> None:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if is_kernel(node):
                assert "fastmath" not in ast.unparse(node), f"{name_of(path)}:{node.lineno}"
                assert "np.random" not in ast.unparse(node), f"{name_of(path)}:{node.lineno}"


def test_a_process_keeps_its_kernels_to_itself() -> None:
    kernels = {name_of(p): decorated_kernels(p) for p in MODULES if part_of(p) == "processes"}
    owned = {
        f"tumorabm.{file.removesuffix('.py').replace('/', '.')}.{kernel}": file
        for file, names in kernels.items()
        for kernel in names
    }
    for path in MODULES:
        for module, line in imports(path):
            assert module not in owned, f"{name_of(path)}:{line} imports the kernel {module}"


# What a compiled kernel is made from besides its own file: numba, which its cache knows by version, and the parts that
# name the cache's folder (``kernel.kernel_folder``).
BEHIND_KERNELS = ("numpy", "numba", "tumorabm.kernel", "tumorabm.tissue", "tumorabm.solvers")


def frozen_into_kernels(module: ast.Module) -> set[str]:
    """Modules from which a module's kernels take functions and constants, directly or through its own names."""
    origin: dict[str, str] = {}
    made_of: dict[str, ast.AST] = {}
    for node in module.body:
        if isinstance(node, ast.Import):
            origin |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin |= {alias.asname or alias.name: str(node.module) for alias in node.names}
        elif isinstance(node, ast.FunctionDef):
            made_of[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            made_of |= dict.fromkeys(names, node.value)
    waiting = [name for name, node in made_of.items() if is_kernel(node)]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        if name in made_of:
            node = made_of[name]
            # Of a function the body counts: types in its signature are not compiled.
            parts = node.body if isinstance(node, ast.FunctionDef) else [node]
            waiting += [n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)]
    return {origin[name] for name in known if name in origin}


@pytest.mark.parametrize("path", [p for p in MODULES if decorated_kernels(p)], ids=name_of)
def test_no_compiled_kernel_goes_stale(path: Path) -> None:
    """Numba compiles again when a kernel's own file changes; all else that is compiled into it must name the cache."""
    for module in frozen_into_kernels(tree(path)):
        assert module.startswith(BEHIND_KERNELS), f"{name_of(path)}: a kernel uses something of {module}"


def test_what_is_frozen_into_kernels_is_found() -> None:
    module = ast.parse(
        "import numpy as np\n"
        "from tumorabm import units\n"
        "from tumorabm.processes.x import A, B, C\n"
        "_TWICE: Final = 2 * A\n"
        "def plain(): return B\n"
        "@kernel\n"
        "def called(x): return x + _TWICE\n"
        "@kernel(error_model='numpy')\n"
        "def calling(x: C): return called(np.exp(x))\n"
    )
    assert frozen_into_kernels(module) == {"numpy", "tumorabm.processes.x"}
    module.body[-1].body[0].value.args[0] = ast.parse("units.x", mode="eval").body
    module.body[3].value = ast.Constant(2.0)
    assert frozen_into_kernels(module) == {"tumorabm"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{name_of(path)} has {lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{name_of(path)}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_say_what_a_module_is(path: Path) -> None:
    words = name_of(path).removesuffix(".py").replace("/", "_").split("_")
    assert not set(words) & set(VAGUE_NAMES)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_say_what_they_are(path: Path) -> None:
    if tree(path).body:
        assert ast.get_docstring(tree(path)), f"{name_of(path)} has no docstring"


def loaded_by(statement: str, *packages: str) -> list[str]:
    """Which of some packages are loaded in a fresh process after a statement."""
    code = f"{statement}\nimport sys\nprint(*[name for name in {packages!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return out.stdout.split()


@pytest.mark.parametrize(
    "statement",
    [
        "import tumorabm",
        "import tumorabm.config",
        "import tumorabm.processes",
        "import tumorabm.recording.outputs",
        "import tumorabm.cli",
    ],
)
def test_declarations_load_without_heavy_packages(statement: str) -> None:
    assert loaded_by(statement, "numba", "mesa", "h5py", "pandas", "xarray", "matplotlib", "scipy") == []


def test_a_run_needs_no_mesa() -> None:
    assert loaded_by("import tumorabm.run", "mesa", "pandas", "matplotlib") == []
