"""The sections of the configuration tree, one file per topic; `gainakt.config` joins them."""
