"""The payments dialogue."""
