"""Where inbound calls go: the rules of VICIdial's routing, as values in and values out."""
