module bouncer/peers

go 1.26.0
