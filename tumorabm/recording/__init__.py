"""What a run leaves: outputs, frames, segments, checkpoints and the folder that holds them."""

from tumorabm.recording import clone_outputs as _clone_outputs  # noqa: F401  its outputs are registered
from tumorabm.recording import drug_outputs as _drug_outputs  # noqa: F401  as are these
from tumorabm.recording import patient_outputs as _patient_outputs  # noqa: F401  as are these
from tumorabm.recording import resistance_outputs as _resistance_outputs  # noqa: F401  as are these
from tumorabm.recording import stroma_outputs as _stroma_outputs  # noqa: F401  as are these
