COMPLETE=fish pollm | source
