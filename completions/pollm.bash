eval "$(COMPLETE=bash pollm)"
