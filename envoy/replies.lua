-- Replaces the marker that local_reply_config puts on Envoy's own errors by the status of a gRPC call and its details.
-- A template: cli/door/local_reply.py fills in the names that begin with a dollar sign.
local REPLIES = {
$replies
}

local function field(number, value) -- of a protobuf message, shorter than 128 bytes
  return string.char(number * 8 + 2, #value) .. value
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local marker = headers:get("$marker")
  if marker == nil then
    return
  end
  headers:remove("$marker")
  local reply = REPLIES[tonumber(marker) + 1]
  local id = string.sub(headers:get("x-request-id") or "", 1, 64)
  local info = field(1, $type) .. field(2, field(1, id))
  local any = string.char(3 * 8 + 2, #info % 128 + 128, math.floor(#info / 128)) .. info
  headers:replace(":status", "200")
  headers:replace("content-type", "application/grpc")
  headers:replace("grpc-status", reply.code)
  headers:replace("grpc-message", reply.message)
  headers:replace("grpc-status-details-bin", handle:base64Escape(reply.status .. any))
  if reply.retry_after ~= nil then
    headers:replace("retry-after", reply.retry_after)
  end
end
