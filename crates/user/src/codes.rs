//! Codes of the user-space host and its event sources.

osmia_diag::codes! {
    USER_MEMORY = "user-memory", "there is not enough memory to begin";
    USER_SLOT = "user-slot", "a map or program does not fit the slot it is initialised into";
    CAPTURE_FORMAT = "capture-format", "the file is neither pcap nor pcapng";
    CAPTURE_TRUNCATED = "capture-truncated", "the capture ends in the middle of a packet or of its header";
    CAPTURE_CORRUPT = "capture-corrupt", "lengths or references inside the capture contradict each other";
    CAPTURE_LIMIT = "capture-limit", "the capture exceeds one of Osmia's named limits";
    CAPTURE_IO = "capture-io", "the capture could not be read";
    CAPTURE_LINK_TYPE = "capture-link-type", "the capture's packets do not start with the header the program expects";
}
