"""What `minarch COMMAND` does. No result depends on it, so no key covers it."""
