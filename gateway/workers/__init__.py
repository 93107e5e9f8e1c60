"""Who does the work that a request only asks for? Planner, sender, reader of answers, watcher of deadlines."""
