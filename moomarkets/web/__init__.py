"""REST and health over HTTP: a face over the services, served from a thread of its own."""
