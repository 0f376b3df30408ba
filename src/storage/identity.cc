#include "storage/identity.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "base/checksum.h"
#include "base/codec.h"
#include "storage/journal_format.h"

namespace conclave::storage {
namespace {

constexpr BytesView kMagic = "CNCLIDNT";
constexpr uint32_t kVersion = 2;
constexpr size_t kCopyBytes = 4096;  // a copy each in a sector of its own, so that one damage leaves the other
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8;
constexpr const char* kName = "identity";
constexpr const char* kNewName = "identity.new";

// nullopt: not a whole copy.
Result<std::optional<Identity>> decode_copy(BytesView copy) {
  Decoder header(copy);
  if (header.raw(kMagic.size()) != kMagic) return std::nullopt;
  const auto version = header.fixed<uint32_t>();
  const auto length = header.fixed<uint32_t>();
  const auto checksum = header.fixed<uint64_t>();
  const BytesView body = header.raw(length);
  if (!header.ok() || xxh3_64(body, version) != checksum) return std::nullopt;
  if (version != kVersion) {
    return fail(ErrorKind::unsupported, fmt::format("format version {}, this build knows {}", version, kVersion));
  }
  Decoder in(body);
  Identity identity;
  identity.cell = CellId(in.fixed<uint64_t>());
  identity.replica = ReplicaId(in.u8());
  identity.disk = consensus::DiskId(in.fixed<uint64_t>());
  const BytesView founders = in.bytes();
  identity.listed = in.boolean();
  if (!in.done() || identity.disk == consensus::DiskId()) return std::nullopt;
  if (!founders.empty()) {
    auto membership = consensus::decode_membership(founders);
    if (!membership) return std::nullopt;
    identity.founders = std::move(membership->membership.members);
  }
  return identity;
}

Result<bool> has_segments(env::Files& files, const std::string& directory) {
  const auto names = files.list(directory);
  if (!names) return std::unexpected(names.error());
  return std::ranges::any_of(*names, [](const std::string& name) { return parse_segment_name(name).has_value(); });
}

}  // namespace

Bytes encode_identity(const Identity& identity) {
  Bytes body;
  Encoder out(&body);
  out.fixed(identity.cell.value);
  out.u8(identity.replica.value);
  out.fixed(identity.disk.value);
  out.bytes(identity.founders.empty()
                ? Bytes()
                : consensus::encode_membership({.version = 1, .members = identity.founders, .outgoing = {}}));
  out.boolean(identity.listed);
  Bytes copy(kMagic);
  Encoder header(&copy);
  header.fixed(kVersion);
  header.fixed(static_cast<uint32_t>(body.size()));
  header.fixed(xxh3_64(body, kVersion));
  copy += body;
  copy.resize(kCopyBytes);
  return copy + copy;
}

Result<Identity> decode_identity(BytesView bytes) {
  for (const size_t at : {size_t{0}, kCopyBytes}) {
    auto copy = decode_copy(bytes.substr(std::min(at, bytes.size()), kCopyBytes));
    if (!copy) return std::unexpected(copy.error());
    if (*copy) return *std::move(*copy);
  }
  return fail(ErrorKind::corrupt, "both copies are damaged");
}

Result<Identity> open_identity(env::Files& files, const std::string& directory, CellId cell, ReplicaId replica,
                               env::Entropy& entropy) {
  if (auto ok = files.make_directory(directory); !ok) return std::unexpected(ok.error());
  if (auto ok = files.sync_directory(""); !ok) return std::unexpected(ok.error());
  const std::string path = directory + "/" + kName;
  const auto segments = has_segments(files, directory);
  if (!segments) return std::unexpected(segments.error());
  const auto there = files.exists(path);
  if (!there) return std::unexpected(there.error());
  if (!*there) {
    if (*segments)
      return fail(ErrorKind::corrupt, path + ": missing, though the journal beside it is there: put it back");
    const Identity fresh{
        .cell = cell, .replica = replica, .disk = consensus::DiskId(entropy.u64() | 1), .founders = {}};
    if (auto ok = save_identity(files, directory, fresh); !ok) return std::unexpected(ok.error());
    return fresh;
  }
  auto file = files.open(path, env::Files::Open::read_only);
  if (!file) return std::unexpected(file.error());
  const auto bytes = (*file)->read_at(0, 2 * kCopyBytes);
  if (!bytes) return std::unexpected(bytes.error());
  auto identity = decode_identity(*bytes);
  if (!identity) return fail(identity.error().kind, path + ": " + identity.error().message);
  if (identity->cell != cell || identity->replica != replica) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("{}: belongs to replica {} of cell {:016x}, not to replica {} of cell {:016x}", path,
                            identity->replica.value, identity->cell.value, replica.value, cell.value));
  }
  if ((identity->listed || !identity->founders.empty()) && !*segments) {
    return fail(ErrorKind::corrupt, path +
                                        ": this replica took part in its cell, but the segments of its journal are "
                                        "missing: put them back, or replace the replica by one that starts empty");
  }
  return identity;
}

Result<> save_identity(env::Files& files, const std::string& directory, const Identity& identity) {
  const std::string fresh = directory + "/" + kNewName;
  {
    auto file = files.open(fresh, env::Files::Open::create_or_truncate);
    if (!file) return std::unexpected(file.error());
    if (auto ok = (*file)->write_at(0, encode_identity(identity)); !ok) return ok;
    if (auto ok = (*file)->sync(); !ok) return ok;
  }
  if (auto ok = files.rename(fresh, directory + "/" + kName); !ok) return ok;
  return files.sync_directory(directory);
}

}  // namespace conclave::storage
