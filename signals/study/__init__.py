"""What strategies did over a range of sessions, side by side."""
