"""Mean-shift filtering and segmentation of pictures."""
