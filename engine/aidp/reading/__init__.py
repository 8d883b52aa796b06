"""Files to rows: formats, archives, folders; a row that cannot be read is set aside. Not what rows mean (`layouts`)."""

MAX_FILE = 1024**3  # bytes of one data file
