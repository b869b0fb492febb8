def write_atomic(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
