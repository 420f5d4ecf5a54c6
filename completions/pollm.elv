eval (env COMPLETE=elvish pollm | slurp)
