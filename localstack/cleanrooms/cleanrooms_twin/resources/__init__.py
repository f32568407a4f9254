"""One module per resource: the handlers of its operations. They take parsed parameters and know no HTTP and no LocalStack."""
