//! Formats that are constant: whether every conversion is one and there are values for all of them
//! (`check_bpf_snprintf_call` of Linux 6.18).

use osmia_isa::Reg as RegName;
use osmia_program::{Initial, format};

use crate::reg::What;
use crate::reject::{Check, invalid};
use crate::transfer::Transfer;

const TEXT: RegName = RegName::new(3).unwrap();
const VALUES_BYTES: RegName = RegName::new(5).unwrap();

impl Transfer<'_> {
    pub(super) fn check_format(&self) -> Check {
        let text = self.state.reg(TEXT);
        let values_bytes = self.state.reg(VALUES_BYTES).num.bits.value;
        if !values_bytes.is_multiple_of(8) {
            return invalid(self.at, "values of a format have eight bytes each");
        }
        let What::MapValue { map, .. } = text.what else {
            return Ok(());
        };
        let Initial::Value(bytes) = &self.maps[usize::from(map)].initial else {
            return Ok(());
        };
        let text = bytes.get(text.off.max(0) as usize..).unwrap_or_default();
        let end = text.iter().position(|&byte| byte == 0);
        match format::value_count(&text[..end.unwrap_or(text.len())]) {
            Ok(count) if count as u64 <= values_bytes / 8 => Ok(()),
            _ => invalid(self.at, "Invalid format string"),
        }
    }
}
