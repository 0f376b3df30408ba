// Bodies of requests, each after a RequestHeader (zookeeper.jute of 3.8.0). Views: see records.h. Pure.
// Optional where ZooKeeper tells null from empty: a null path is refused, while "" reads the root;
// null data is read back as null.
//
//   opcode                                        body
//   create, create2, createContainer              CreateRequest
//   createTTL                                     CreateTtlRequest
//   delete                                        DeleteRequest
//   exists, getData, getChildren, getChildren2    PathWatchRequest
//   getACL, sync, getAllChildrenNumber,
//   getEphemerals                                 PathRequest
//   setData                                       SetDataRequest
//   setACL                                        SetAclRequest
//   check                                         CheckVersionRequest
//   multi, multiRead                              MultiRequest (multi.h)
//   setWatches, setWatches2                       SetWatchesRequest, SetWatches2Request
//   addWatch                                      AddWatchRequest
//   removeWatches, checkWatches                   WatchesRequest
//   auth                                          AuthPacket
//   sasl                                          SaslRequest
//   reconfig                                      ReconfigRequest
//   ping, closeSession, whoAmI                    none
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "wire/zookeeper/records.h"

namespace conclave::wire::zookeeper {

struct CreateRequest {
  BytesView path;
  std::optional<BytesView> data;
  std::vector<Acl> acl;
  CreateMode mode = CreateMode::persistent;
  static constexpr auto kFields =
      std::tuple(&CreateRequest::path, &CreateRequest::data, &CreateRequest::acl, &CreateRequest::mode);
  friend bool operator==(const CreateRequest&, const CreateRequest&) = default;
};

struct CreateTtlRequest {
  BytesView path;
  std::optional<BytesView> data;
  std::vector<Acl> acl;
  CreateMode mode = CreateMode::persistent_with_ttl;
  int64_t ttl_ms = 0;
  static constexpr auto kFields = std::tuple(&CreateTtlRequest::path, &CreateTtlRequest::data, &CreateTtlRequest::acl,
                                             &CreateTtlRequest::mode, &CreateTtlRequest::ttl_ms);
  friend bool operator==(const CreateTtlRequest&, const CreateTtlRequest&) = default;
};

struct DeleteRequest {
  BytesView path;
  int32_t version = kAnyVersion;
  static constexpr auto kFields = std::tuple(&DeleteRequest::path, &DeleteRequest::version);
  friend bool operator==(const DeleteRequest&, const DeleteRequest&) = default;
};

struct PathWatchRequest {
  std::optional<BytesView> path;
  bool watch = false;
  static constexpr auto kFields = std::tuple(&PathWatchRequest::path, &PathWatchRequest::watch);
  friend bool operator==(const PathWatchRequest&, const PathWatchRequest&) = default;
};

struct PathRequest {
  std::optional<BytesView> path;
  static constexpr auto kFields = std::tuple(&PathRequest::path);
  friend bool operator==(const PathRequest&, const PathRequest&) = default;
};

struct SetDataRequest {
  BytesView path;
  std::optional<BytesView> data;
  int32_t version = kAnyVersion;
  static constexpr auto kFields = std::tuple(&SetDataRequest::path, &SetDataRequest::data, &SetDataRequest::version);
  friend bool operator==(const SetDataRequest&, const SetDataRequest&) = default;
};

struct SetAclRequest {
  BytesView path;
  std::vector<Acl> acl;
  int32_t version = kAnyVersion;
  static constexpr auto kFields = std::tuple(&SetAclRequest::path, &SetAclRequest::acl, &SetAclRequest::version);
  friend bool operator==(const SetAclRequest&, const SetAclRequest&) = default;
};

struct CheckVersionRequest {
  BytesView path;
  int32_t version = kAnyVersion;
  static constexpr auto kFields = std::tuple(&CheckVersionRequest::path, &CheckVersionRequest::version);
  friend bool operator==(const CheckVersionRequest&, const CheckVersionRequest&) = default;
};

// Watches that a client has, told to the server it reconnects to; what happened after `relative_zxid` fires at once.
struct SetWatchesRequest {
  Zxid relative_zxid;
  std::vector<BytesView> data;
  std::vector<BytesView> exists;
  std::vector<BytesView> children;
  static constexpr auto kFields = std::tuple(&SetWatchesRequest::relative_zxid, &SetWatchesRequest::data,
                                             &SetWatchesRequest::exists, &SetWatchesRequest::children);
  friend bool operator==(const SetWatchesRequest&, const SetWatchesRequest&) = default;
};

struct SetWatches2Request {
  Zxid relative_zxid;
  std::vector<BytesView> data;
  std::vector<BytesView> exists;
  std::vector<BytesView> children;
  std::vector<BytesView> persistent;
  std::vector<BytesView> persistent_recursive;
  static constexpr auto kFields = std::tuple(
      &SetWatches2Request::relative_zxid, &SetWatches2Request::data, &SetWatches2Request::exists,
      &SetWatches2Request::children, &SetWatches2Request::persistent, &SetWatches2Request::persistent_recursive);
  friend bool operator==(const SetWatches2Request&, const SetWatches2Request&) = default;
};

struct AddWatchRequest {
  BytesView path;
  AddWatchMode mode = AddWatchMode::persistent;
  static constexpr auto kFields = std::tuple(&AddWatchRequest::path, &AddWatchRequest::mode);
  friend bool operator==(const AddWatchRequest&, const AddWatchRequest&) = default;
};

// removeWatches and checkWatches.
struct WatchesRequest {
  BytesView path;
  WatcherType type = WatcherType::any;
  static constexpr auto kFields = std::tuple(&WatchesRequest::path, &WatchesRequest::type);
  friend bool operator==(const WatchesRequest&, const WatchesRequest&) = default;
};

struct AuthPacket {
  int32_t type = 0;  // unused
  BytesView scheme;
  BytesView auth;
  static constexpr auto kFields = std::tuple(&AuthPacket::type, &AuthPacket::scheme, &AuthPacket::auth);
  friend bool operator==(const AuthPacket&, const AuthPacket&) = default;
};

struct SaslRequest {
  std::optional<BytesView> token;
  static constexpr auto kFields = std::tuple(&SaslRequest::token);
  friend bool operator==(const SaslRequest&, const SaslRequest&) = default;
};

struct ReconfigRequest {
  std::optional<BytesView> joining_servers;
  std::optional<BytesView> leaving_servers;
  std::optional<BytesView> new_members;
  int64_t current_config_id = 0;
  static constexpr auto kFields = std::tuple(&ReconfigRequest::joining_servers, &ReconfigRequest::leaving_servers,
                                             &ReconfigRequest::new_members, &ReconfigRequest::current_config_id);
  friend bool operator==(const ReconfigRequest&, const ReconfigRequest&) = default;
};

}  // namespace conclave::wire::zookeeper
