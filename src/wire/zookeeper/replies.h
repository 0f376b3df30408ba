// Bodies of replies, each after a ReplyHeader (zookeeper.jute of 3.8.0). Views: see records.h. Pure.
//
//   opcode                                        body
//   create, sync                                  PathResponse
//   create2, createContainer, createTTL           Create2Response
//   exists, setData, setACL, check                StatResponse
//   getData, reconfig                             GetDataResponse
//   getChildren                                   GetChildrenResponse
//   getChildren2                                  GetChildren2Response
//   getACL                                        GetAclResponse
//   getAllChildrenNumber                          GetAllChildrenNumberResponse
//   getEphemerals                                 GetEphemeralsResponse
//   multi, multiRead                              MultiResponse (multi.h)
//   whoAmI                                        WhoAmIResponse
//   sasl                                          SaslResponse
//   delete, ping, auth, closeSession, setWatches, setWatches2, removeWatches, checkWatches: none
//   addWatch                                      ErrorResponse
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "wire/zookeeper/records.h"

namespace conclave::wire::zookeeper {

struct PathResponse {
  BytesView path;
  static constexpr auto kFields = std::tuple(&PathResponse::path);
  friend bool operator==(const PathResponse&, const PathResponse&) = default;
};

struct Create2Response {
  BytesView path;
  Stat stat;
  static constexpr auto kFields = std::tuple(&Create2Response::path, &Create2Response::stat);
  friend bool operator==(const Create2Response&, const Create2Response&) = default;
};

struct StatResponse {
  Stat stat;
  static constexpr auto kFields = std::tuple(&StatResponse::stat);
  friend bool operator==(const StatResponse&, const StatResponse&) = default;
};

struct GetDataResponse {
  BytesView data;  // null is read as empty; a server that has null to tell writes the two fields itself
  Stat stat;
  static constexpr auto kFields = std::tuple(&GetDataResponse::data, &GetDataResponse::stat);
  friend bool operator==(const GetDataResponse&, const GetDataResponse&) = default;
};

struct GetChildrenResponse {
  std::vector<BytesView> children;
  static constexpr auto kFields = std::tuple(&GetChildrenResponse::children);
  friend bool operator==(const GetChildrenResponse&, const GetChildrenResponse&) = default;
};

struct GetChildren2Response {
  std::vector<BytesView> children;
  Stat stat;
  static constexpr auto kFields = std::tuple(&GetChildren2Response::children, &GetChildren2Response::stat);
  friend bool operator==(const GetChildren2Response&, const GetChildren2Response&) = default;
};

struct GetAclResponse {
  std::vector<Acl> acl;
  Stat stat;
  static constexpr auto kFields = std::tuple(&GetAclResponse::acl, &GetAclResponse::stat);
  friend bool operator==(const GetAclResponse&, const GetAclResponse&) = default;
};

struct GetAllChildrenNumberResponse {
  int32_t total = 0;
  static constexpr auto kFields = std::tuple(&GetAllChildrenNumberResponse::total);
  friend bool operator==(const GetAllChildrenNumberResponse&, const GetAllChildrenNumberResponse&) = default;
};

struct GetEphemeralsResponse {
  std::vector<BytesView> ephemerals;
  static constexpr auto kFields = std::tuple(&GetEphemeralsResponse::ephemerals);
  friend bool operator==(const GetEphemeralsResponse&, const GetEphemeralsResponse&) = default;
};

struct ErrorResponse {
  ErrorCode error = ErrorCode::ok;
  static constexpr auto kFields = std::tuple(&ErrorResponse::error);
  friend bool operator==(const ErrorResponse&, const ErrorResponse&) = default;
};

struct ClientInfo {
  BytesView scheme;
  BytesView user;
  static constexpr auto kFields = std::tuple(&ClientInfo::scheme, &ClientInfo::user);
  friend bool operator==(const ClientInfo&, const ClientInfo&) = default;
};

struct SaslResponse {
  std::optional<BytesView> token;
  static constexpr auto kFields = std::tuple(&SaslResponse::token);
  friend bool operator==(const SaslResponse&, const SaslResponse&) = default;
};

struct WhoAmIResponse {
  std::vector<ClientInfo> clients;
  static constexpr auto kFields = std::tuple(&WhoAmIResponse::clients);
  friend bool operator==(const WhoAmIResponse&, const WhoAmIResponse&) = default;
};

}  // namespace conclave::wire::zookeeper
