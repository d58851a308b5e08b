-- wrk: every request of every thread and connection copies the tutorial's DID to a number of its own.
local counter = 0
local prefix

function setup(thread)
  thread:set("id", tostring(math.random(100, 999)))
end

function init(args)
  prefix = args[1] or "9"
end

function request()
  counter = counter + 1
  local target = prefix .. id .. string.format("%08d", counter)
  return wrk.format("GET", "/vicidial/non_agent_api.php?function=copy_did&user=admin&pass=1234&source=bench" ..
    "&did_pattern=18001234567&new_did_pattern=" .. target .. "&did_active=Y")
end

local failed = 0
function response(status, headers, body)
  if status ~= 200 or body:sub(1, 8) ~= "SUCCESS:" then failed = failed + 1; if failed == 1 then io.stderr:write(body) end end
end
