"""Whether what the services have stored is whole: the proof behind `niangjia verify`."""
