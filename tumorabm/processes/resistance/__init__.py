"""What makes tumor cells resist: altered genotypes."""
