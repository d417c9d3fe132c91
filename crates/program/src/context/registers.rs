//! `struct pt_regs` and `struct bpf_perf_event_data`: the registers of what was interrupted.
//!
//! The user-space host's probes are an x86-64 machine's.

use super::{Class, ContextLayout, ContextValue::*, fields};

const ALL: Class = Class::ALL;

/// Probes of functions and instructions.
#[rustfmt::skip]
pub(super) static REGISTERS: ContextLayout = ContextLayout {
    name: "pt_regs",
    bytes: 168,
    in_place: true,
    fields: fields! {
          0 8 x 1 "r15"     Scalar, ALL.parts();
          8 8 x 1 "r14"     Scalar, ALL.parts();
         16 8 x 1 "r13"     Scalar, ALL.parts();
         24 8 x 1 "r12"     Scalar, ALL.parts();
         32 8 x 1 "bp"      Scalar, ALL.parts();
         40 8 x 1 "bx"      Scalar, ALL.parts();
         48 8 x 1 "r11"     Scalar, ALL.parts();
         56 8 x 1 "r10"     Scalar, ALL.parts();
         64 8 x 1 "r9"      Scalar, ALL.parts();
         72 8 x 1 "r8"      Scalar, ALL.parts();
         80 8 x 1 "ax"      Scalar, ALL.parts();
         88 8 x 1 "cx"      Scalar, ALL.parts();
         96 8 x 1 "dx"      Scalar, ALL.parts();
        104 8 x 1 "si"      Scalar, ALL.parts();
        112 8 x 1 "di"      Scalar, ALL.parts();
        120 8 x 1 "orig_ax" Scalar, ALL.parts();
        128 8 x 1 "ip"      Scalar, ALL.parts();
        136 8 x 1 "cs"      Scalar, ALL.parts();
        144 8 x 1 "flags"   Scalar, ALL.parts();
        152 8 x 1 "sp"      Scalar, ALL.parts();
        160 8 x 1 "ss"      Scalar, ALL.parts();
    },
};

/// Programs of perf events: the registers, then what the event measured.
#[rustfmt::skip]
pub(super) static PERF_EVENT: ContextLayout = ContextLayout {
    name: "bpf_perf_event_data",
    bytes: 184,
    in_place: false,
    fields: fields! {
          0 8 x 21 "regs"          Scalar, ALL.whole();
        168 8 x 1  "sample_period" Scalar, ALL.parts();
        176 8 x 1  "addr"          Scalar, ALL.parts();
    },
};
