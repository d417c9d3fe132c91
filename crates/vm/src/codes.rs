//! Codes of the machine.

osmia_diag::codes! {
    MAP_RULE = "vm-map-rule", "a map specification breaks a rule of its kind";
    MAP_TOO_BIG = "vm-map-too-big", "a map needs more memory than one may take";
    MAP_UNSUPPORTED = "vm-map-unsupported", "the machine has no maps of this kind";
    ACCESS = "vm-access", "a program touched memory it may not touch";
    NULL = "vm-null", "a program used a null pointer";
    CONTEXT = "vm-context", "a program accessed its context in a way its type does not allow";
    BUDGET = "vm-budget", "a program ran longer than its instruction budget";
    STOPPED = "vm-stopped", "a run was stopped from outside";
    CALL_DEPTH = "vm-call-depth", "a program nested more function calls than there are stack frames";
    POISONED = "vm-poisoned", "a program reached an instruction that a failed relocation made unusable";
    HELPER_ARGUMENT = "vm-helper-argument", "a helper got an argument it cannot work with";
    HELPER_DENIED = "vm-helper-denied", "a helper is not for programs of this type, licence or kind";
    HELPER_MISSING = "vm-helper-missing", "a program calls a helper the user-space machine does not have";
    MISUSE = "vm-misuse", "a helper or kernel function was called where it may not be";
    HELD = "vm-held", "a program ended while it held something that has to be given back";
    KFUNC_MISSING = "vm-kfunc-missing", "a program calls a kernel function the user-space machine does not have";
    UNSUPPORTED = "vm-unsupported", "a program uses an instruction the user-space machine does not run";
    MAPS = "vm-maps", "the maps given to a program are not the ones it refers to";
    INPUT = "vm-input", "the packet or context given to a program is not one its type takes";
}
