// The sums over replicates, for the processor.
#define THRUST_DEVICE_SYSTEM THRUST_DEVICE_SYSTEM_TBB
#include "stats/replicate_sums.cu"  // NOLINT(bugprone-suspicious-include): one source for both
