"""What the commands beside `serve` do."""
