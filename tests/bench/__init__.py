"""Cases per second from the request to the stored effects, beside two peers on the same machine."""
