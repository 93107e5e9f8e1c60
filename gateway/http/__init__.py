"""The HTTP service: routes as a table, who may call them, and what every answer looks like."""
