//! Loading programs (`bpf_prog_load` of Linux 6.18).
//!
//! What the verifier rejects is not loaded. What it does not know (it says so in the log) is, and runs
//! until it does what it may not.

use std::sync::Arc;

use osmia_btf::{Btf, StrOff, TypeId};
use osmia_program::limits::INSN_COUNT_MAX;
use osmia_program::{
    AttachKind, DebugInfo, Errno, FuncRecord, Hook, LineRecord, MapIndex, Program, ProgramFlags,
    ProgramKind, ProgramParts,
};
use osmia_verify::Replaced;
use osmia_vm::Code;

use super::bytes::{read, word};
use super::instructions::{functions, slots};
use super::load_log::{LoadLog, check_log};
use super::maps::{admits_digest, text};
use super::{File, Process, attach_targets};
use crate::bpf::{Fd, ProgBindMap, ProgLoad, ProgLoadAnswer, Records};
use crate::limits::{LICENSE_BYTES_MAX, TYPE_ID_MAX};
use crate::object::{
    AttachTo, BtfObject, MapRecord, ProgramAbout, ProgramRecord, ProgramRefused, checked_name,
    digest,
};

/// Every flag there is: `BPF_F_STRICT_ALIGNMENT` to `BPF_F_TEST_REG_INVARIANTS`.
const KNOWN_FLAGS: u32 = 0xff;
/// `BPF_F_TOKEN_FD`.
const TOKEN_FD: u32 = 1 << 16;

impl Process {
    /// `BPF_PROG_LOAD`.
    pub fn prog_load(&self, asked: &ProgLoad<'_>) -> ProgLoadAnswer {
        let mut log = LoadLog::default();
        let result = self.prog_loaded(asked, &mut log);
        log.written(asked.log, result)
    }

    /// `BPF_PROG_BIND_MAP`.
    pub fn prog_bind_map(&self, asked: &ProgBindMap) -> Result<(), Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let code = self.program(asked.prog_fd)?;
        let (map, _) = self.map(asked.map_fd)?;
        ProgramRecord::bind(&code, map.map());
        Ok(())
    }

    fn prog_loaded(&self, asked: &ProgLoad<'_>, told: &mut LoadLog) -> Result<Fd, Errno> {
        let log = &mut told.text;
        if asked.flags & !(KNOWN_FLAGS | TOKEN_FD) != 0 {
            return Err(Errno::EINVAL);
        }
        if asked.flags & TOKEN_FD != 0 {
            return Err(self.no_token(asked.token_fd));
        }
        self.must_be_capable()?;
        let insn_count = asked.insn_cnt as usize;
        if insn_count == 0 || insn_count > INSN_COUNT_MAX {
            return Err(Errno::E2BIG);
        }
        let attach_to = self.attach_to(asked)?;
        let kind = ProgramKind::from_number(asked.kind);
        let attach = fixed_attach_type(kind, asked.expected_attach_type);
        check_attach(kind, attach, &attach_to)?;
        let bytes = read(asked.insns, insn_count.saturating_mul(8))?;
        let license = license(asked.license)?;
        if asked.ifindex != 0 {
            return Err(self.device_bound(kind, asked));
        }
        let kind = kind
            .filter(|&kind| kind != ProgramKind::Unspec)
            .ok_or(Errno::EINVAL)?;
        let name = checked_name(&asked.name)?;
        check_log(asked.log)?;
        check_sleepable(kind, asked.flags, log)?;
        check_attach_function(kind, asked.attach_btf_id, log)?;
        let target = attach_targets::name(kind, attach, &attach_to, log)?;
        let (btf, debug) = self.debug(asked)?;
        let insns = slots(bytes);
        let digest = digest(&insns);
        let bound = self.bound_maps(asked)?;
        let resolved = self.resolve(insns, asked, log)?;
        let kfuncs = self.kfuncs(&resolved.insns, log)?;
        let program = Program::new(ProgramParts {
            name: text(&name).to_owned(),
            section: String::new(),
            hook: Hook {
                kind,
                attach: match kind {
                    // Its number is that of a member.
                    ProgramKind::StructOps => Some(AttachKind::StructOps),
                    _ => AttachKind::from_number(attach).filter(|_| attach != 0),
                },
                target,
            },
            flags: ProgramFlags(asked.flags),
            license,
            kernel_version: asked.kern_version,
            autoload: true,
            functions: functions(&resolved.insns, text(&name)),
            insns: resolved.insns,
            maps: (0..resolved.maps.len()).map(MapIndex::from_usize).collect(),
            debug,
            poisons: Vec::new(),
            kfuncs,
        })
        .map_err(|error| {
            *log += &format!("{error}\n");
            Errno::EINVAL
        })?;
        let replaces = replaced(&program, &attach_to);
        let level = asked.log.level;
        let mut judged = (self.kernel).judge(&program, replaces, &resolved.maps, level);
        told.judged(judged.log());
        let log = &mut told.text;
        let (verified_insns, reach) = (judged.verified_insns(), judged.reach);
        let standing = judged.result.map_err(|why| why.errno)?;
        let about = ProgramAbout {
            standing,
            verified_insns,
            reach,
            name,
            digest,
            attach,
            load_time: self.kernel.since_boot(),
            created_by_uid: self.credentials.uid,
            btf,
            func_info: records(asked.func_info)?,
            func_info_bytes: asked.func_info.record_bytes,
            line_info: records(asked.line_info)?,
            line_info_bytes: asked.line_info.record_bytes,
            attach_to,
            bound,
        };
        let code = (self.kernel)
            .load(&Arc::new(program), &resolved.maps, about, judged.proof)
            .map_err(|refused| match refused {
                ProgramRefused::Errno(errno) => errno,
                ProgramRefused::Prepare(error) => {
                    *log += &format!("{}\n", error.to_diagnostic().message);
                    Errno::EINVAL
                }
            })?;
        check_maps(&code, &digest, log)?;
        self.open(File::Program(code))
    }

    /// What `attach_prog_fd` or `attach_btf_obj_fd`, and `attach_btf_id`, stand for.
    fn attach_to(&self, asked: &ProgLoad<'_>) -> Result<AttachTo, Errno> {
        let mut to = AttachTo {
            btf_id: asked.attach_btf_id,
            ..AttachTo::default()
        };
        if asked.attach_fd.0 != 0 {
            match self.program(asked.attach_fd) {
                Ok(code) => to.program = Some(code),
                Err(_) => match self.btf(asked.attach_fd) {
                    Ok(btf) if btf.is_kernel() => to.btf = Some(btf),
                    Ok(_) => return Err(Errno::ENOTSUPP),
                    Err(_) => return Err(Errno::EINVAL),
                },
            }
        } else if asked.attach_btf_id != 0 {
            to.btf = Some(Arc::clone(self.kernel.vmlinux().ok_or(Errno::EINVAL)?));
        }
        Ok(to)
    }

    /// There is no device that could run a program.
    fn device_bound(&self, kind: Option<ProgramKind>, asked: &ProgLoad<'_>) -> Errno {
        let takes = matches!(kind, Some(ProgramKind::SchedCls | ProgramKind::Xdp));
        match takes && self.kernel.has_interface(asked.ifindex) {
            true => Errno::EOPNOTSUPP,
            false => Errno::EINVAL,
        }
    }

    /// What `prog_btf_fd`, `func_info` and `line_info` say.
    fn debug(
        &self,
        asked: &ProgLoad<'_>,
    ) -> Result<(Option<Arc<BtfObject>>, Option<DebugInfo>), Errno> {
        if asked.func_info.count == 0 && asked.line_info.count == 0 {
            return Ok((None, None));
        }
        let object = self.btf(asked.btf_fd)?;
        if object.is_kernel() {
            return Err(Errno::EACCES);
        }
        check_records(asked.func_info, 8)?;
        check_records(asked.line_info, 16)?;
        let debug = DebugInfo {
            funcs: func_records(&object.btf, asked.func_info)?,
            lines: line_records(&object.btf, asked.line_info)?,
            btf: Arc::clone(&object.btf),
        };
        Ok((Some(object), Some(debug)))
    }
}

/// The function of another program that this one replaces.
fn replaced(program: &Program, to: &AttachTo) -> Option<Replaced> {
    let other = to.program.as_ref()?;
    let is_extension = program.hook.kind == ProgramKind::Ext;
    is_extension.then(|| Replaced {
        program: Arc::clone(other.program()),
        function: program.hook.target.clone().unwrap_or_default(),
    })
}

/// The licence up to its zero, at most as long as the kernel keeps it.
fn license(given: Option<&[u8]>) -> Result<String, Errno> {
    let given = given.ok_or(Errno::EFAULT)?;
    let kept = &given[..given.len().min(LICENSE_BYTES_MAX)];
    let end = match kept.iter().position(|&byte| byte == 0) {
        Some(end) => end,
        // Memory ends before the text does.
        None if kept.len() < LICENSE_BYTES_MAX => return Err(Errno::EFAULT),
        None => LICENSE_BYTES_MAX,
    };
    Ok(String::from_utf8_lossy(&kept[..end]).into_owned())
}

/// The attach type that old loaders leave out (`bpf_prog_load_fixup_attach_type`).
fn fixed_attach_type(kind: Option<ProgramKind>, given: u32) -> u32 {
    let left_out = match kind {
        Some(ProgramKind::CgroupSock) => AttachKind::CgroupInetSockCreate,
        Some(ProgramKind::SkReuseport) => AttachKind::SkReuseportSelect,
        _ => return given,
    };
    match given {
        0 => left_out.number(),
        given => given,
    }
}

/// `bpf_prog_load_check_attach`.
fn check_attach(kind: Option<ProgramKind>, attach: u32, to: &AttachTo) -> Result<(), Errno> {
    use AttachKind as A;
    use ProgramKind as P;
    let has_btf_id = to.btf_id != 0;
    let by_btf_id = matches!(kind, Some(P::Tracing | P::Lsm | P::StructOps | P::Ext));
    if has_btf_id
        && (to.btf_id > TYPE_ID_MAX || !by_btf_id || (to.btf.is_none() && to.program.is_none()))
    {
        return Err(Errno::EINVAL);
    }
    if to.btf.is_some() && (!has_btf_id || to.program.is_some()) {
        return Err(Errno::EINVAL);
    }
    if to.program.is_some() && !matches!(kind, Some(P::Tracing | P::Ext)) {
        return Err(Errno::EINVAL);
    }
    let allowed: &[A] = match kind {
        Some(P::CgroupSock) => &[
            A::CgroupInetSockCreate,
            A::CgroupInetSockRelease,
            A::CgroupInet4PostBind,
            A::CgroupInet6PostBind,
        ],
        Some(P::CgroupSockAddr) => SOCK_ADDR,
        Some(P::CgroupSkb) => &[A::CgroupInetIngress, A::CgroupInetEgress],
        Some(P::CgroupSockopt) => &[A::CgroupGetsockopt, A::CgroupSetsockopt],
        Some(P::SkLookup) => &[A::SkLookup],
        Some(P::SkReuseport) => &[A::SkReuseportSelect, A::SkReuseportSelectOrMigrate],
        Some(P::Netfilter) => &[A::Netfilter],
        Some(P::Syscall | P::Ext) if attach != 0 => return Err(Errno::EINVAL),
        _ => return Ok(()),
    };
    match allowed.iter().any(|allowed| allowed.number() == attach) {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

/// What programs of `cgroup_sock_addr` may be for.
const SOCK_ADDR: &[AttachKind] = &[
    AttachKind::CgroupInet4Bind,
    AttachKind::CgroupInet6Bind,
    AttachKind::CgroupInet4Connect,
    AttachKind::CgroupInet6Connect,
    AttachKind::CgroupUnixConnect,
    AttachKind::CgroupInet4Getpeername,
    AttachKind::CgroupInet6Getpeername,
    AttachKind::CgroupUnixGetpeername,
    AttachKind::CgroupInet4Getsockname,
    AttachKind::CgroupInet6Getsockname,
    AttachKind::CgroupUnixGetsockname,
    AttachKind::CgroupUdp4Sendmsg,
    AttachKind::CgroupUdp6Sendmsg,
    AttachKind::CgroupUnixSendmsg,
    AttachKind::CgroupUdp4Recvmsg,
    AttachKind::CgroupUdp6Recvmsg,
    AttachKind::CgroupUnixRecvmsg,
];

/// Some programs may sleep, one type must (`check_attach_btf_id`).
fn check_sleepable(kind: ProgramKind, flags: u32, log: &mut String) -> Result<(), Errno> {
    use ProgramKind as P;
    let sleeps = ProgramFlags(flags).has(ProgramFlags::SLEEPABLE);
    let right = match kind {
        P::Syscall => sleeps,
        P::Tracing | P::Lsm | P::Kprobe | P::StructOps | P::RawTracepoint | P::Tracepoint => true,
        _ => !sleeps,
    };
    if right {
        return Ok(());
    }
    *log += match kind {
        P::Syscall => "Syscall programs can only be sleepable\n",
        _ => "Program of this type cannot be sleepable\n",
    };
    Err(Errno::EINVAL)
}

/// Some types are for a function or structure of the kernel, which must be named (`check_attach_btf_id`).
fn check_attach_function(kind: ProgramKind, btf_id: u32, log: &mut String) -> Result<(), Errno> {
    use ProgramKind as P;
    let errno = match kind {
        P::Tracing | P::Lsm | P::Ext => Errno::EINVAL,
        P::StructOps => Errno::ENOTSUPP,
        _ => return Ok(()),
    };
    if btf_id != 0 {
        return Ok(());
    }
    *log += "Programs of this type must name what they attach to by attach_btf_id\n";
    Err(errno)
}

/// Maps that belong to other programs do not take this one.
fn check_maps(
    code: &Arc<Code>,
    digest: &crate::object::Digest,
    log: &mut String,
) -> Result<(), Errno> {
    for map in code.maps() {
        let record = MapRecord::of(map);
        if !admits_digest(record, digest) {
            *log += "Extra map restrictions: the map is for another program\n";
            return Err(Errno::EACCES);
        }
        let holds_programs = map.spec().kind == osmia_program::MapKind::ProgArray;
        if holds_programs && !record.admits(ProgramRecord::owner(code)) {
            return Err(Errno::EINVAL);
        }
    }
    Ok(())
}

fn check_records(given: Records<'_>, bytes_min: u32) -> Result<(), Errno> {
    let bytes = given.record_bytes;
    if given.count == 0 || (bytes_min..=252).contains(&bytes) && bytes.is_multiple_of(4) {
        return Ok(());
    }
    Err(Errno::EINVAL)
}

fn records(given: Records<'_>) -> Result<Vec<u8>, Errno> {
    let bytes = (given.count as usize).saturating_mul(given.record_bytes as usize);
    read(given.bytes, bytes).map(<[u8]>::to_vec)
}

fn func_records(btf: &Btf, given: Records<'_>) -> Result<Vec<FuncRecord>, Errno> {
    let bytes = records(given)?;
    let each = bytes.chunks_exact(given.record_bytes.max(1) as usize);
    let record = |bytes: &[u8]| {
        let type_id = TypeId(word(bytes, 1));
        let known = btf
            .ty(type_id)
            .is_some_and(|ty| ty.kind() == osmia_btf::Kind::Func);
        known.then_some(FuncRecord {
            insn: word(bytes, 0),
            type_id,
        })
    };
    each.map(|bytes| record(bytes).ok_or(Errno::EINVAL))
        .collect()
}

fn line_records(btf: &Btf, given: Records<'_>) -> Result<Vec<LineRecord>, Errno> {
    let bytes = records(given)?;
    let each = bytes.chunks_exact(given.record_bytes.max(1) as usize);
    let record = |bytes: &[u8]| {
        let (file, text) = (StrOff(word(bytes, 1)), StrOff(word(bytes, 2)));
        btf.string_bytes(file)?;
        btf.string_bytes(text)?;
        let place = word(bytes, 3);
        Some(LineRecord {
            insn: word(bytes, 0),
            file,
            text,
            line: place >> 10,
            column: place & 0x3ff,
        })
    };
    each.map(|bytes| record(bytes).ok_or(Errno::EINVAL))
        .collect()
}
