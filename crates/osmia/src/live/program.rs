//! Programs: what `prog show` tells, their instructions, runs.

use osmia_program::attr::{self, CallMemory, Request};
use osmia_program::{Errno, ProgramKind};
use serde::Serialize;

use super::clock::wall_seconds;
use super::info::{Info, Room, text};
use super::select::hex;
use super::{Handle, ObjectKind, Refused};

/// What `prog show` tells of a program, with bpftool's keys.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the keys are bpftool's")]
pub struct ProgramRow {
    pub id: u32,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub tag: String,
    pub gpl_compatible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_time_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_cnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recursion_misses: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    pub bytes_xlated: u32,
    pub jited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_jited: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_memlock: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub map_ids: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub btf_id: Option<u32>,
}

impl ProgramRow {
    /// Of a program, pinned at these paths.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn of(program: &Handle, pinned: Vec<String>) -> Result<Self, Refused> {
        let info = program.info()?;
        let some = |name| Some(info.u64(name)).filter(|number| *number != 0);
        let maps = program.list(&info, "map_ids", "nr_map_ids", 4)?;
        let counted = some("run_time_ns");
        let loaded = some("load_time");
        let jited = info.u32("jited_prog_len");
        Ok(Self {
            id: info.u32("id"),
            kind: kind_name(info.u32("type")),
            name: program.name()?,
            tag: hex(info.field("tag")),
            gpl_compatible: info.u32("gpl_compatible") & 1 != 0,
            run_time_ns: counted,
            run_cnt: counted.map(|_| info.u64("run_cnt")),
            recursion_misses: some("recursion_misses"),
            loaded_at: loaded.map(wall_seconds),
            uid: loaded.map(|_| info.u32("created_by_uid")),
            bytes_xlated: info.u32("xlated_prog_len"),
            jited: jited != 0,
            bytes_jited: Some(jited).filter(|bytes| *bytes != 0),
            bytes_memlock: program
                .status("memlock")
                .and_then(|bytes| bytes.parse().ok()),
            map_ids: maps.numbers().into_iter().map(|id| id as u32).collect(),
            pinned,
            btf_id: some("btf_id").map(|id| id as u32),
        })
    }
}

/// A program type's name, its number if it has none here.
pub(super) fn kind_name(number: u32) -> String {
    match ProgramKind::from_number(number) {
        Some(kind) => kind.name().to_owned(),
        None => number.to_string(),
    }
}

impl Handle {
    /// Its name, whole where its types know it and the kernel cut it.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn name(&self) -> Result<String, Refused> {
        let info = self.info()?;
        match self.kind() {
            ObjectKind::Program | ObjectKind::Map => {}
            ObjectKind::Link | ObjectKind::Btf => return Ok(String::new()),
        }
        let short = info.text("name");
        const CUT: usize = 15;
        if self.kind() == ObjectKind::Map || short.len() < CUT || info.u32("btf_id") == 0 {
            return Ok(short);
        }
        Ok(self.whole_name(&info, &short).unwrap_or(short))
    }

    /// The name of a program's first function.
    fn whole_name(&self, info: &Info, short: &str) -> Option<String> {
        let functions = self.functions(info).ok()?;
        let btf = self.live().btf(info.u32("btf_id")).ok()?;
        let function = btf.ty(osmia_btf::TypeId(functions.first()?.1))?;
        let name = function.name();
        name.starts_with(short).then(|| name.to_owned())
    }

    /// A list that is told: first how long it is, then what is in it.
    pub(super) fn list(
        &self,
        info: &Info,
        pointer: &'static str,
        count: &'static str,
        record_bytes: usize,
    ) -> Result<Room, Refused> {
        let mut rooms = [Room::new(pointer, count, info.u32(count), record_bytes)];
        if info.u32(count) > 0 {
            let told = self.info_with(&mut rooms);
            told.map_err(|errno| self.refused(pointer, errno))?;
        }
        let [room] = rooms;
        Ok(room)
    }

    /// Where functions begin and their types.
    pub(super) fn functions(&self, info: &Info) -> Result<Vec<(u32, u32)>, Refused> {
        let records = self.records(info, "func_info", "nr_func_info", "func_info_rec_size")?;
        Ok(records
            .iter()
            .map(|record| (word(record, 0), word(record, 4)))
            .collect())
    }

    /// Records whose length the host says.
    pub(super) fn records(
        &self,
        info: &Info,
        pointer: &'static str,
        count: &'static str,
        size: &'static str,
    ) -> Result<Vec<Vec<u8>>, Refused> {
        let (records, bytes) = (info.u32(count), info.u32(size) as usize);
        if records == 0 || bytes == 0 {
            return Ok(Vec::new());
        }
        let mut rooms = [Room::new(pointer, count, records, bytes).of_records(size)];
        let told = self.info_with(&mut rooms);
        told.map_err(|errno| self.refused(pointer, errno))?;
        Ok(rooms[0].bytes.chunks(bytes).map(<[u8]>::to_vec).collect())
    }

    /// Runs a program on an input.
    ///
    /// # Errors
    /// If programs of its type are not run so, or if the input is not what they take.
    pub fn test_run(&self, run: &TestRun) -> Result<TestRan, Refused> {
        let mut memory = CallMemory::default();
        let (data_in, ctx_in) = (memory.put(&run.data), memory.put(&run.ctx));
        let data_out = memory.room(run.data_out_bytes);
        let ctx_out = memory.room(run.ctx_out_bytes);
        let mut request = Request::ProgTestRun(attr::ProgTestRun {
            prog_fd: self.fd(),
            data_size_in: run.data.len() as u32,
            data_in,
            data_size_out: run.data_out_bytes as u32,
            data_out,
            ctx_size_in: run.ctx.len() as u32,
            ctx_in,
            ctx_size_out: run.ctx_out_bytes as u32,
            ctx_out,
            repeat: run.repeat,
            ..attr::ProgTestRun::default()
        });
        let made = self.live().bpf.call(&mut request, &mut memory);
        let Request::ProgTestRun(answered) = request else {
            return Err(self.refused("run", Errno::EINVAL));
        };
        let short = match made {
            Ok(_) => false,
            Err(Errno::ENOSPC) => true,
            Err(errno) => return Err(self.refused("run", errno)),
        };
        let filled =
            |address, room: usize, told: u32| memory.at(address, room.min(told as usize)).to_vec();
        Ok(TestRan {
            retval: answered.retval,
            duration: answered.duration,
            data_out: filled(data_out, run.data_out_bytes, answered.data_size_out),
            ctx_out: filled(ctx_out, run.ctx_out_bytes, answered.ctx_size_out),
            short,
        })
    }
}

/// A run: what goes in, and room for what comes out.
#[derive(Clone, Debug, Default)]
pub struct TestRun {
    /// The packet.
    pub data: Vec<u8>,
    /// The context.
    pub ctx: Vec<u8>,
    /// Room for the packet.
    pub data_out_bytes: usize,
    /// Room for the context.
    pub ctx_out_bytes: usize,
    /// How often.
    pub repeat: u32,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct TestRan {
    /// What the program returned.
    pub retval: u32,
    /// Nanoseconds of one repetition.
    pub duration: u32,
    /// The packet as it was left.
    pub data_out: Vec<u8>,
    /// The context as it was left.
    pub ctx_out: Vec<u8>,
    /// There was more than there was room for.
    pub short: bool,
}

/// A number of four bytes in a record.
pub(super) fn word(record: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    if let Some(found) = record.get(at..at + 4) {
        bytes.copy_from_slice(found);
    }
    u32::from_le_bytes(bytes)
}

/// Text that a structure points to.
pub(super) fn told_text(room: &Room) -> String {
    text(&room.bytes)
}
