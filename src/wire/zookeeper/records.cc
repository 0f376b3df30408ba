#include "wire/zookeeper/records.h"

namespace conclave::wire::zookeeper {

void encode(const ConnectRequest& request, Writer* out) {
  out->put(request.protocol_version);
  out->put(request.last_zxid_seen);
  out->put(request.timeout_ms);
  out->put(request.session);
  out->put(request.password);
  if (request.read_only) out->put(*request.read_only);
}

void encode(const ConnectResponse& response, Writer* out) {
  out->put(response.protocol_version);
  out->put(response.timeout_ms);
  out->put(response.session);
  out->put(response.password);
  if (response.read_only) out->put(*response.read_only);
}

ConnectRequest decode_connect_request(Reader* in) {
  ConnectRequest request;
  in->get(&request.protocol_version);
  in->get(&request.last_zxid_seen);
  in->get(&request.timeout_ms);
  in->get(&request.session);
  in->get(&request.password);
  if (in->ok() && !in->rest().empty()) request.read_only = in->get<bool>();
  return request;
}

ConnectResponse decode_connect_response(Reader* in) {
  ConnectResponse response;
  in->get(&response.protocol_version);
  in->get(&response.timeout_ms);
  in->get(&response.session);
  in->get(&response.password);
  if (in->ok() && !in->rest().empty()) response.read_only = in->get<bool>();
  return response;
}

}  // namespace conclave::wire::zookeeper
