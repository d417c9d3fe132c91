//! Codes of the machine.

osmia_diag::codes! {
    MAP_RULE = "vm-map-rule", "a map specification breaks a rule of its kind";
    MAP_TOO_BIG = "vm-map-too-big", "a map needs more memory than one may take";
    MAP_UNSUPPORTED = "vm-map-unsupported", "the machine has no maps of this kind yet";
}
