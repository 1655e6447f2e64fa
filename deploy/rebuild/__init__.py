"""The states of a service made anew from its journal, beside the stored ones or in their place."""
