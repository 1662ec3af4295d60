"""What a run leaves: outputs, frames, segments, checkpoints and the folder that holds them."""

from tumorabm.recording import drug_outputs as _drug_outputs  # noqa: F401  its outputs are registered
from tumorabm.recording import stroma_outputs as _stroma_outputs  # noqa: F401  its outputs are registered
