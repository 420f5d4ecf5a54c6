source <(COMPLETE=bash pollm)
