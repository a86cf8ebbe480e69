"""OpenAPI documents of endpoints, and the catalog entries that are made of them."""
