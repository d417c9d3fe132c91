//! Codes of the waist.

osmia_diag::codes! {
    LAYOUT = "program-layout", "a jump leaves the program or lands inside an instruction";
    TOO_LONG = "program-too-long", "the program has more instructions than any target takes";
}
