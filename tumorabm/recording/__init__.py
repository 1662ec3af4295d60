"""What a run leaves: outputs, frames, segments, checkpoints and the folder that holds them."""
