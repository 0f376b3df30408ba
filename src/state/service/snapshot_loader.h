// Reads a snapshot back: chunks in, cut anywhere, the state out. Every field is checked before it is believed and the
// digest at the end must be the one captured at the beginning. Private to state/service. Loop thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/codec.h"
#include "state/service/core.h"
#include "state/service/snapshot_format.h"

namespace conclave::state {

class SnapshotLoader final : public Service::Loader {
 public:
  // Empties `core`.
  explicit SnapshotLoader(Core* core);
  // Unless finish() succeeded, leaves a fresh state.
  ~SnapshotLoader() override;

  Result<> feed(BytesView chunk) override;
  Result<> finish() override;

 private:
  // Takes the records that are whole off the front of `*in`.
  Result<> consume(BytesView* in);
  Result<> take(snapshot::Record type, BytesView body);
  Result<> take_header(Decoder& in);
  Result<> take_acl(Decoder& in);
  Result<> take_session(Decoder& in);
  Result<> take_node(Decoder& in);
  Result<> take_lock(Decoder& in);
  Result<> take_calls(Decoder& in);
  Result<> take_secret(Decoder& in);
  Result<> take_membership(Decoder& in);
  Result<> take_end(Decoder& in);
  // Forgets everything and remembers why.
  std::unexpected<Error> reject(std::string message);

  Core* core_;
  Bytes rest_;  // an incomplete record
  bool magic_seen_ = false;
  snapshot::Record last_ = snapshot::Record::header;
  bool header_seen_ = false;
  bool ended_ = false;
  bool finished_ = false;
  std::string failure_;  // empty: none
  Zxid zxid_;
  int64_t time_ms_ = 0;
  uint64_t nodes_expected_ = 0, sessions_expected_ = 0, acls_expected_ = 0, digest_expected_ = 0;
  uint64_t nodes_seen_ = 0;
  std::vector<uint32_t> acls_held_;                  // one use each while loading
  absl::flat_hash_map<uint64_t, uint32_t> acl_ids_;  // id in the snapshot -> id here; never iterated
  std::string last_path_;
};

}  // namespace conclave::state
