"""JSON APIs over HTTP: pages by cursor, link or offset, declared in the object."""
