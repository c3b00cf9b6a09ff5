"""The gRPC server: interceptors, limits of requests, streams, health; and a process around it."""
