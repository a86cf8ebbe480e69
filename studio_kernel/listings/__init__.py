"""What services say of the models they offer, fetched: lists, prices and OpenAPI documents."""
