eval (E:COMPLETE=elvish pollm | slurp)
