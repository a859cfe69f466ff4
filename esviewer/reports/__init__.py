"""What leaves the tool: one file a format."""
