"""A hand whose palm stands still, live in the browser: turned, dragged, recorded."""
