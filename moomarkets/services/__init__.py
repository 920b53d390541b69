"""The verbs that every face calls: CLI, shell, web and embedding programs hold no rules of their own."""
