//! Kinds of mistakes: what is wrong with a rejected program, apart from where and in which words.
//!
//! The kernel says everything in words. One table maps its words to kinds, and since what we say is in
//! its words too, the table serves our own rejections and logs of any kernel alike. A check that knows
//! better says so ([`Because`](crate::reject::Because)).

use osmia_diag::Code;

use crate::codes;

/// Declares the kinds: name, code, then the kernel's words for it, where `*` stands for anything. The
/// first that fits counts, from the top.
macro_rules! mistakes {
    ($($(#[$doc:meta])* $name:ident, $code:ident: [$($words:literal),* $(,)?];)+) => {
        /// What kind of mistake a rejection is about.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Mistake {
            $($(#[$doc])* $name,)+
        }

        impl Mistake {
            /// Its stable code, with a page.
            pub fn code(self) -> Code {
                match self {
                    $(Mistake::$name => codes::$code,)+
                }
            }
        }

        const WORDS: &[(Mistake, &[&str])] = &[$((Mistake::$name, &[$($words),*]),)+];
    };
}

mistakes! {
    /// We do not know something.
    Unsupported, UNSUPPORTED: ["* cannot be verified here yet"];
    /// The target's release has no such programs.
    TargetProgram, TARGET_PROGRAM: ["linux-* has no program type *", "linux-* has no attach *", "linux-* has no * programs *", "linux-* has no context field *"];
    /// The target's release has no such maps.
    TargetMap, TARGET_MAP: ["linux-* has no map type *", "linux-* has no * map values*"];
    /// The target's release has no such helper or kernel function.
    TargetCall, TARGET_CALL: ["linux-* has no helper *", "linux-* has no kernel function *"];
    /// The target's release has no such instruction.
    TargetInstruction, TARGET_INSTRUCTION: ["linux-* has no *, which are there since *"];
    /// The kernel lets no such program be attached to what it names.
    Attach, ATTACH: [
        "Attaching *", "attach_btf_id *", "attach to *", "*() is not modifiable", "*is not sleepable", "Cannot replace *",
        "Cannot extend *", "Cannot recursively attach*", "Extension program*", "Subprog * doesn't exist", "The function * unsupported.",
        "The function * Too many.", "The function * malformed void argument.", "The address of function *", "Only fentry/fexit/fmod_ret, *", "Syscall programs can only be *",
        "the target's kernel has no *", "program with __ref argument *",
    ];
    /// Something about dynptrs.
    Dynptr, DYNPTR: ["*dynptr*"];
    /// Something about open-coded iterators.
    Iterator, ITERATOR: ["*iter_*", "*iterator*"];
    /// A pointer that may be null is used.
    Null, NULL: [
        "*invalid mem access '*_or_null*'", "*type=*_or_null* expected=*",
        "*pointer arithmetic on *_or_null* prohibited*", "Possibly NULL pointer passed to*",
        "*NULL pointer passed to*", "*invalid mem access 'map_ptr_or_null'*",
    ];
    /// Less trusted programs may not do it.
    Privilege, PRIVILEGE: [
        "*prohibited for !root*", "*only to CAP_*", "*allowed for root only*",
        "*not allowed for non-root*", "*only allowed for root*",
    ];
    /// An address gets where it can be read.
    Leak, LEAK: ["*leaks addr*", "leaking pointer from stack*"];
    /// The packet is not known to reach that far.
    Packet, PACKET: ["*invalid access to packet*", "*offset is outside of the packet*", "*helper access to the packet is not allowed*"];
    /// Memory a helper is to use has no good size.
    Size, SIZE: [
        "*min value is negative, either use unsigned or 'var &= const'*",
        "*use 'var &= const' or 'if (var < const)'*", "*invalid zero-sized read*",
        "*is not a known constant'*", "*memory, len pair leads to invalid memory access*",
    ];
    /// An index may be negative or has no bound.
    Index, INDEX: [
        "*min value is negative*", "*unbounded memory access*",
        "*unbounded min value is not allowed*", "value * makes * pointer be out of bounds*",
        "math between * pointer and * is not allowed*", "* pointer offset * is not allowed*",
    ];
    /// A packet pointer from before the packet was moved is used.
    PacketMoved, PACKET_MOVED: [];
    /// Something is used that was given back.
    AfterRelease, AFTER_RELEASE: [];
    /// An access leaves memory that a helper or the caller gave.
    Memory, MEMORY: ["*invalid access to memory*", "*invalid * buffer access*", "*invalid variable buffer offset*"];
    /// An access leaves a map's value or key.
    MapValue, MAP_VALUE: [
        "*invalid access to map value*", "*invalid access to map key*",
        "*direct value offset of * is not allowed*",
    ];
    /// A stack byte is read that was never written.
    StackUnset, STACK_UNSET: [
        "*invalid read from stack * off *+*", "*invalid read from stack off *+*",
        "*invalid indirect read from stack*",
    ];
    /// An access leaves the stack.
    Stack, STACK: [
        "*invalid write to stack*", "*invalid read from stack*", "*invalid variable-offset*stack*",
        "*invalid unbounded variable-offset*", "*invalid stack off=*", "*invalid stack type*",
    ];
    /// Functions use too much stack, or too many are nested.
    StackSize, STACK_SIZE: ["combined stack size of *", "the call stack of *", "*stack size * is too large*", "*tail_calls are not allowed when call stack of previous frames*"];
    /// A spilled register is not read or written whole.
    Spill, SPILL: [
        "*invalid size of register *", "attempt to corrupt spilled pointer*", "corrupted spill memory*",
        "cannot spill pointers to stack into stack frame of the caller*",
    ];
    /// A register is read that holds nothing.
    Register, REGISTER: ["R* !read_ok*"];
    /// An atomic instruction where none is allowed.
    Atomic, ATOMIC: ["BPF_ATOMIC * into *"];
    /// A context field that is not there, or not like that.
    ContextField, CONTEXT_FIELD: ["*invalid bpf_context access*", "func '*' doesn't have *-th argument*", "func '*' arg* has btf_id *", "func '*' arg* type * is not a struct*"];
    /// The context pointer was moved.
    ContextPointer, CONTEXT_POINTER: [
        "dereference of modified ctx ptr*", "negative offset ctx ptr*", "variable ctx access*",
        "*invalid context access*",
    ];
    /// A field of a socket that is not there, or not like that.
    SocketField, SOCKET_FIELD: ["*invalid sock access*", "*invalid *sock* access*", "invalid access to flow keys*"];
    /// Memory that may only be read, or only be written.
    ReadOnly, READ_ONLY: [
        "*write into map forbidden*", "*read from map forbidden*", "*cannot write into *",
        "write to change key*", "*no write support to *", "only read is supported*",
        "only read from * is supported*",
    ];
    /// A number is used as an address.
    NotPointer, NOT_POINTER: ["*invalid mem access 'scalar'*", "*invalid mem access 'inv'*", "*invalid mem access 'imm'*"];
    /// A kernel structure is used in ways it may not be.
    KernelMemory, KERNEL_MEMORY: [
        "*access beyond struct*", "access is not allowed *", "*is ptr_* invalid negative access*",
        "*is * invalid negative access*", "variable * access var_off=*", "*invalid mem access 'untrusted_*",
        "*is ptr_* access *", "'struct * access is allowed only*", "*bpf_array* access*", "*must be referenced or trusted*",
        "R* must be a rcu pointer*", "R* must be referenced*trusted*",
    ];
    /// Something about kernel pointers in maps.
    Kptr, KPTR: ["*kptr*"];
    /// A kernel function's argument is not what it asks for.
    KfuncArgument, KFUNC_ARGUMENT: ["kernel function * args#*", "arg#* *", "*calling kernel function * is not allowed*", "*kernel function * is not allowed*", "*kfunc*", "*kernel function call*"];
    /// A lock is not held, held twice, or held where it may not be.
    Lock, LOCK: [
        "*bpf_spin_*lock*", "*holding a lock*", "*bpf_spin_locks*", "*lock-ed region*", "*res_spin_lock*",
        "*held lock*", "*bpf_timer cannot*", "*without taking a lock*",
    ];
    /// An RCU or preemption section is not closed, or something in it may not be there.
    Section, SECTION: ["*rcu_read*", "*preempt*", "*local_irq*", "*irq*region*", "*in RCU critical section*"];
    /// A resource is not given back.
    Reference, REFERENCE: ["*Unreleased reference*", "*would lead to reference leak*"];
    /// What is given back was not taken, or is given back twice.
    Release, RELEASE: [
        "*reference has not been acquired before*", "*must be referenced when passed to release*",
        "*must have zero offset when passed to release*", "release *", "*expects referenced pointer*",
        "*cannot release*", "*release function*",
    ];
    /// A helper that programs of this type may not call.
    Helper, HELPER: ["*cannot use helper*", "unknown func *", "*invalid func unknown#*", "*tracing progs cannot use*", "get_local_storage() doesn't support *", "*calls from callbacks are not allowed*"];
    /// Only programs under a licence like the GPL may do it.
    License, LICENSE: ["*GPL*"];
    /// It may sleep where nothing may.
    Sleep, SLEEP: ["*might sleep*", "*sleepable*", "*non-preemptible*"];
    /// A map of the wrong kind.
    Map, MAP: ["cannot pass map_type *", "*not pointing to valid bpf_map*", "*map_ptr to access map->key*", "R* does not point to a readonly map*", "*map '*' has *", "*is not a known constant key*"];
    /// An argument is not of the kind that is asked for.
    Argument, ARGUMENT: ["*R* type=* expected=*", "*string is not zero-terminated*", "*doesn't have constant offset*", "*has to be at the constant offset*", "*doesn't point to 'struct bpf_*"];
    /// A loop that makes no progress.
    Loop, LOOP: ["*infinite loop detected*", "back-edge from insn *", "*unrolling*"];
    /// More than the verifier is willing to look at.
    TooComplex, TOO_COMPLEX: ["BPF program is too large*", "The sequence of * jumps is too complex*", "*too many states*", "*too many subprograms*", "*program too large*"];
    /// A value is returned that has no meaning.
    ReturnValue, RETURN_VALUE: ["At program exit *", "At callback return *", "At async callback *", "At subprogram exit *", "*cannot return stack pointer to the caller*", "*the register R0 is not a known value*"];
    /// Addresses that cannot be computed like that.
    PointerMath, POINTER_MATH: [
        "*pointer arithmetic*prohibited*", "*pointer * pointer prohibited*", "*bitwise operator * on pointer*",
        "*tried to subtract pointer from scalar*", "*subtraction from stack pointer*",
        "*partial copy of pointer*", "*sign-extension part of pointer*", "*pointer comparison prohibited*",
    ];
    /// An access to an odd address.
    Alignment, ALIGNMENT: ["*misaligned *access*"];
    /// One instruction, different kinds of pointers.
    MixedPointers, MIXED_POINTERS: ["same insn cannot be used with different pointers*"];
    /// Packets cannot be touched directly here.
    PacketRight, PACKET_RIGHT: ["no direct packet access here*"];
    /// A function that is checked on its own, called or written the wrong way.
    GlobalFunction, GLOBAL_FUNCTION: ["Caller passes invalid args into *", "*Global function*", "*global function*", "*Func#* *", "*func#*"];
    /// Instructions nobody gets to.
    Unreachable, UNREACHABLE: ["unreachable insn *"];
    /// An instruction that does not exist, or means nothing.
    Instruction, INSTRUCTION: [
        "unknown opcode *", "*uses reserved fields*", "R* is invalid*", "div by zero*", "invalid shift *",
        "frame pointer is read only*", "last insn is not an exit or jmp*", "jump out of range *",
        "*bpf_ld_imm64 insn*", "jump into the middle of *", "call to invalid destination*", "*ldimm64*",
        "BPF_LD_[ABS|IND]*", "addr_space_cast *", "*invalid destination*",
    ];
    /// Everything else.
    Other, REJECTED: [];
}

impl Mistake {
    /// The kind that a message of the kernel's verifier, or of ours, is about.
    pub fn of(message: &str) -> Mistake {
        let is_about = |words: &[&str]| words.iter().any(|one| fits(one, message));
        let row = WORDS.iter().find(|(_, words)| is_about(words));
        row.map_or(Mistake::Other, |(mistake, _)| *mistake)
    }
}

/// Whether a text has the pattern's pieces in order; `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = first;
    for piece in pieces {
        last = piece;
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty() || last.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Mistake, fits};

    #[test]
    fn patterns() {
        assert!(fits("R* !read_ok*", "R2 !read_ok"));
        assert!(fits("*a*b", "xaxb"));
        assert!(!fits("a*", "ba"));
        assert!(!fits("*a", "ab"));
    }

    #[test]
    fn words_of_the_kernel_have_kinds() {
        let cases = [
            ("R0 invalid mem access 'map_value_or_null'", Mistake::Null),
            ("R0 invalid mem access 'inv'", Mistake::NotPointer),
            ("R1 type=sock_or_null expected=sock", Mistake::Null),
            (
                "invalid access to map value, value_size=48 off=48 size=8\nR0 max value is outside of the allowed memory range",
                Mistake::MapValue,
            ),
            (
                "Unreleased reference id=2 alloc_insn=3\nBPF_EXIT instruction in main prog would lead to reference leak",
                Mistake::Reference,
            ),
            (
                "program of this type cannot use helper bpf_redirect#23",
                Mistake::Helper,
            ),
            (
                "invalid bpf_context access off=76 size=4",
                Mistake::ContextField,
            ),
            (
                "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'",
                Mistake::Size,
            ),
            (
                "R2 unbounded memory access, make sure to bounds check any such access",
                Mistake::Index,
            ),
            (
                "cannot call GPL-restricted function from non-GPL compatible program",
                Mistake::License,
            ),
            ("something new", Mistake::Other),
        ];
        for (message, mistake) in cases {
            assert_eq!(Mistake::of(message), mistake, "{message}");
        }
    }
}
