"""A fork server: a stage's imports (torch: seconds) are paid once per run instead of once per item."""
