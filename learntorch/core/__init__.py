"""What a tensor is and how its history is kept."""
