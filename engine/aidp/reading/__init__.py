"""Files to rows: formats, archives, folders; a row that cannot be read is set aside. Not what rows mean (`layouts`)."""
