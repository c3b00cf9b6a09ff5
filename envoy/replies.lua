-- Replaces the marker header that local_reply_config adds to Envoy's own errors by a gRPC status with details.
-- A template: cli/door/local_reply.py fills in the names that begin with a dollar sign.
local REPLIES = {
$replies
}

local function varint(number)
  local bytes = ""
  while number >= 128 do
    bytes = bytes .. string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  return bytes .. string.char(number)
end

local function field(number, value) -- of a protobuf message: a text, bytes, or a message
  return string.char(number * 8 + 2) .. varint(#value) .. value
end

local function detail(type, value) -- of a google.rpc.Status
  return field(3, field(1, type) .. field(2, value))
end

-- Return whether a body is a complete gRPC message: a flag (0, or 1 for compressed), a length of four bytes, the data.
local function is_whole(body, encoding)
  if body == nil or body:length() < $frame_bytes then
    return false
  end
  local flag, a, b, c, d = string.byte(body:getBytes(0, $frame_bytes), 1, -1)
  local length = ((a * 256 + b) * 256 + c) * 256 + d
  return body:length() >= $frame_bytes + length and (flag == 0 or flag == 1 and encoding ~= nil)
end

-- A call without a complete message would wait in grpc.aio until its client gives up.
function envoy_on_request(handle)
  local headers = handle:headers()
  local kind, path = headers:get("content-type"), headers:get(":path")
  local transcoded, encoding = headers:get("x-envoy-original-path"), headers:get("grpc-encoding")
  if kind == nil or string.sub(kind, 1, 16) ~= "application/grpc" or transcoded ~= nil then
    return
  end
  if string.sub(path, 1, 17) == "/grpc.reflection." then -- reflection calls are streams and are not buffered
    return
  end
  if not is_whole(handle:body(), encoding) then
    handle:respond({[":status"] = "$no_message"}, "")
  end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local marker = headers:get("$marker")
  if marker == nil then
    return
  end
  local reply = REPLIES[tonumber(marker) + 1]
  local message, info = reply.message, reply.info
  local actual = headers:get("$actual_marker")
  headers:remove("$marker")
  headers:remove("$actual_marker")
  if actual ~= nil then
    message = string.gsub(message, "$actual", (string.gsub(actual, "%D", "")))
    info = info .. field(3, field(1, "actual") .. field(2, actual)) -- an entry of the metadata
  end
  local id = string.sub(headers:get("x-request-id") or "", 1, 64)
  local status = string.char(8, tonumber(reply.code)) .. field(2, message) .. detail($error_info, info)
  status = status .. reply.retry_info .. detail($request_info, field(1, id))
  headers:replace(":status", "200")
  headers:replace("content-type", "application/grpc")
  headers:replace("grpc-status", reply.code)
  headers:replace("grpc-message", (string.gsub(message, "%%", "%%%%25")))
  headers:replace("grpc-status-details-bin", handle:base64Escape(status))
  if reply.retry_after ~= nil then
    headers:replace("retry-after", reply.retry_after)
  end
end
